/* A read that one of the kernel's workers does: it is a thread of this process. Ends with 77 where
 * there is no io_uring. */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(int fd, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (memory == MAP_FAILED)
		_exit(77);
	return memory;
}

int main(void)
{
	static char byte;
	struct io_uring_params params = {0};
	int fds[2], fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0 || pipe(fds))
		return 77;
	char *ring = map(fd, params.sq_off.array + sizeof(unsigned), IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry = map(fd, sizeof(*entry), IORING_OFF_SQES);
	*entry = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.flags = IOSQE_ASYNC,
		.fd = fds[0],
		.addr = (unsigned long)&byte,
		.len = 1,
	};
	*(unsigned *)(ring + params.sq_off.array) = 0;
	*(volatile unsigned *)(ring + params.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0) != 1)
		return 77;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
