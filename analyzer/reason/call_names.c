#include "reason/call_names.h"

#include "core/modules.h"
#include "reason/api_frames.h"

#include <sys/syscall.h>

/* The calls that a signal handler can end with EINTR (man 7 signal). */
static const struct {
	const char *name;
	int32_t nr;
	bool form_differs; /* between glibc's versions */
} rows[] = {
	{"accept", SYS_accept, false},
	{"accept4", SYS_accept4, false},
	{"clock_nanosleep", SYS_clock_nanosleep, false},
	{"connect", SYS_connect, false},
	{"epoll_pwait", SYS_epoll_pwait, false},
	{"epoll_pwait2", SYS_epoll_pwait2, false},
	{"epoll_wait", SYS_epoll_wait, false},
	{"flock", SYS_flock, false},
	{"io_getevents", SYS_io_getevents, false},
	{"mq_timedreceive", SYS_mq_timedreceive, false},
	{"mq_timedsend", SYS_mq_timedsend, false},
	{"msgrcv", SYS_msgrcv, false},
	{"msgsnd", SYS_msgsnd, false},
	{"nanosleep", SYS_nanosleep, false},
	{"pause", SYS_pause, false},
	{"poll", SYS_poll, false},
	{"ppoll", SYS_ppoll, false},
	{"pread", SYS_pread64, false},
	{"pselect", SYS_pselect6, false},
	{"pwrite", SYS_pwrite64, false},
	{"read", SYS_read, false},
	{"readv", SYS_readv, false},
	{"recv", SYS_recvfrom, false},
	{"recvfrom", SYS_recvfrom, false},
	{"recvmmsg", SYS_recvmmsg, false},
	{"recvmsg", SYS_recvmsg, false},
	/* pselect6 since glibc 2.33 */
	{"select", SYS_select, true},
	{"semop", SYS_semop, false},
	{"semtimedop", SYS_semtimedop, false},
	{"send", SYS_sendto, false},
	{"sendmmsg", SYS_sendmmsg, false},
	{"sendmsg", SYS_sendmsg, false},
	{"sendto", SYS_sendto, false},
	{"sigsuspend", SYS_rt_sigsuspend, false},
	{"sigtimedwait", SYS_rt_sigtimedwait, false},
	{"wait4", SYS_wait4, false},
	{"waitid", SYS_waitid, false},
	{"write", SYS_write, false},
	{"writev", SYS_writev, false},
};

static int32_t number_of(const char *function, bool *form_known_ret)
{
	struct glibc_name name = glibc_name_of(function);
	/* __libc_recvmsg */
	if (name.length > 5 && strncmp(name.text, "libc_", 5) == 0) {
		name.text += 5;
		name.length -= 5;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!glibc_name_is(name, rows[i].name))
			continue;
		*form_known_ret = !rows[i].form_differs;
		return rows[i].nr;
	}
	return -1;
}

int32_t call_number_by_name(const struct coreleaks_stack *stack, const char *callee,
			    bool static_glibc, bool *form_known_ret)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		bool libc = frame->module != NULL && module_is_libc(frame->module);
		/* In a static program only the innermost function is the library's for sure. */
		if (frame->signal || (!libc && !(static_glibc && i == 0)))
			break;
		int32_t nr =
			frame->function != NULL ? number_of(frame->function, form_known_ret) : -1;
		if (nr >= 0)
			return nr;
	}
	return callee != NULL ? number_of(callee, form_known_ret) : -1;
}
