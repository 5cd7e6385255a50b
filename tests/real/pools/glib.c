/* GLib's own threads: its worker, GIO's D-Bus worker, an idle pool; and two of the program, one of
 * which has no function of its own on the stack. */
#include <gio/gio.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int num_done;

static void do_job(gpointer job, gpointer data)
{
	(void)job;
	(void)data;
	g_atomic_int_inc(&num_done);
}

static gpointer serve_orders(gpointer loop)
{
	g_main_loop_run(loop);
	return NULL;
}

static GMainLoop *new_loop(void)
{
	return g_main_loop_new(g_main_context_new(), FALSE);
}

/* A connection without a bus; its worker reads from it. */
static void start_dbus(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		g_error("socketpair");
	GSocket *socket = g_socket_new_from_fd(fds[0], NULL);
	GSocketConnection *stream = g_socket_connection_factory_create_connection(socket);
	if (!g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL, G_DBUS_CONNECTION_FLAGS_NONE,
					NULL, NULL, NULL))
		g_error("no connection");
}

int main(void)
{
	GThreadPool *pool = g_thread_pool_new(do_job, NULL, 1, FALSE, NULL);

	g_thread_pool_push(pool, pool, NULL);
	while (!g_atomic_int_get(&num_done))
		usleep(1000);
	start_dbus();
	g_thread_new("orders", serve_orders, new_loop());
	g_thread_new("events", (GThreadFunc)g_main_loop_run, new_loop());
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
