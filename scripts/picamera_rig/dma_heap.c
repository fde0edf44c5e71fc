/* Stands in for /dev/dma_heap on kernels that have none, such as those of most virtual machines.
 *
 * libcamera and picamera2 take the memory for frames from a DMA heap. Memory that only the processor touches can as
 * well be a memfd, so that is what this library hands out when it is preloaded:
 *
 *   open("/dev/dma_heap/NAME")           a memfd that stands for the heap
 *   ioctl(heap, DMA_HEAP_IOCTL_ALLOC)    a new memfd of the length that was asked for
 *   ioctl(memfd, DMA_BUF_...)            nothing to be done: 0
 *
 * All else goes to the kernel. While the file /run/edged-rig/no-memory exists, allocations fail with ENOMEM, as they do
 * on a board whose contiguous memory has run out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct allocation {
	uint64_t length;
	uint32_t fd;
	uint32_t fd_flags;
	uint64_t heap_flags;
};
#define HEAP_ALLOCATE _IOWR('H', 0, struct allocation)

static int is_missing_heap(const char *path)
{
	return path && !strncmp(path, "/dev/dma_heap/", 14) && access(path, F_OK);
}

static int new_memory(const char *name, uint64_t length)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, (length + 4095) & ~(uint64_t)4095)) {
		close(fd);
		return -1;
	}
	return fd;
}

#define BODY(NAME, TYPE, ...)                                                  \
	mode_t mode = 0;                                                       \
	if (flags & (O_CREAT | O_TMPFILE)) {                                   \
		va_list more;                                                  \
		va_start(more, flags);                                         \
		mode = va_arg(more, mode_t);                                   \
		va_end(more);                                                  \
	}                                                                      \
	if (is_missing_heap(path))                                             \
		return new_memory("dma-heap", 0);                              \
	return ((TYPE)dlsym(RTLD_NEXT, NAME))(__VA_ARGS__, flags, mode);

typedef int (*opening)(const char *, int, ...);
typedef int (*opening_at)(int, const char *, int, ...);

int open(const char *path, int flags, ...) { BODY("open", opening, path) }
int open64(const char *path, int flags, ...) { BODY("open64", opening, path) }
int openat(int folder, const char *path, int flags, ...) { BODY("openat", opening_at, folder, path) }
int openat64(int folder, const char *path, int flags, ...) { BODY("openat64", opening_at, folder, path) }

int ioctl(int fd, unsigned long request, ...)
{
	va_list more;
	va_start(more, request);
	void *argument = va_arg(more, void *);
	va_end(more);
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	/* The request may arrive sign-extended from 32 bits. */
	int is_allocation = (uint32_t)request == (uint32_t)HEAP_ALLOCATE;
	int is_buffer_call = _IOC_TYPE((uint32_t)request) == 'b' && _IOC_NR((uint32_t)request) <= 1;
	int result = real(fd, request, argument); /* a real heap or buffer answers for itself */

	if (!(is_allocation || is_buffer_call) || result == 0 || (errno != ENOTTY && errno != EINVAL))
		return result;
	if (is_buffer_call)
		return 0;
	struct allocation *wanted = argument;
	if (!access("/run/edged-rig/no-memory", F_OK)) {
		errno = ENOMEM;
		return -1;
	}
	int memory = new_memory("frame", wanted->length);
	if (memory < 0)
		return -1;
	wanted->fd = memory;
	return 0;
}
