/* A thread ends while it holds a mutex; three wait for it for ever.
 *
 * The importer returns early on a bad record, without unlocking. It was joined, so that nothing
 * of it is left but its number in the mutex.
 */
#include <pthread.h>
#include <stdio.h>

#define NUM_EXPORTERS 3

static pthread_mutex_t database = PTHREAD_MUTEX_INITIALIZER;
static int num_records;

static __attribute__((noinline)) int import_record(const char *record)
{
	pthread_mutex_lock(&database);
	if (record[0] == '\0')
		return -1;
	num_records++;
	pthread_mutex_unlock(&database);
	return 0;
}

static void *importer_main(void *arg)
{
	return import_record("") ? NULL : arg;
}

static __attribute__((noinline)) int export_records(void)
{
	pthread_mutex_lock(&database);
	int num = num_records;
	pthread_mutex_unlock(&database);
	return num;
}

static void *exporter_main(void *arg)
{
	return export_records() ? arg : NULL;
}

int main(void)
{
	pthread_t importer, exporter;

	if (pthread_create(&importer, NULL, importer_main, NULL))
		return 1;
	pthread_join(importer, NULL);
	for (int i = 0; i < NUM_EXPORTERS; i++)
		if (pthread_create(&exporter, NULL, exporter_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(exporter, NULL);
	return 0;
}
