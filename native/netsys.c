// netsys: the few Linux socket calls that Node lacks, and libuv's poll on a descriptor, as a Node-API addon.
//
// No protocol logic lives here. Every function returns a number: the system call's result, or a negated errno, so that
// nothing is thrown and the caller decides (src/platform/native.ts has the typed surface and the words). Arguments of
// the wrong type give -EINVAL.
//
// Descriptors are owned by the environment (the thread) that made them: when a worker is terminated, whatever it had
// open is closed here, because no JavaScript of it runs any more. A poll belongs to the descriptor it watches.
//
// Pointers into buffers are used only during a call; nothing here keeps one.
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sched/types.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

// ---- Descriptors of one environment

typedef struct {
  descriptor_t *first;
} environment_t;

static environment_t *environment_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

descriptor_t *first_descriptor(napi_env env) { return environment_of(env)->first; }

descriptor_t *find_descriptor(napi_env env, int fd) {
  descriptor_t *descriptor = first_descriptor(env);
  while (descriptor != NULL && descriptor->fd != fd) descriptor = descriptor->next;
  return descriptor;
}

// Forgets a descriptor, with its poll; does not close it.
static bool drop_descriptor(napi_env env, int fd) {
  descriptor_t **link = &environment_of(env)->first;
  while (*link != NULL && (*link)->fd != fd) link = &(*link)->next;
  descriptor_t *descriptor = *link;
  if (descriptor == NULL) return false;
  if (descriptor->poll != NULL) close_poll(descriptor->poll);
  *link = descriptor->next;
  free(descriptor);
  return true;
}

// Runs when the environment ends, after the polls were closed by their own hooks.
static void finalize_environment(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  environment_t *environment = data;
  while (environment->first != NULL) {
    descriptor_t *descriptor = environment->first;
    environment->first = descriptor->next;
    close(descriptor->fd);
    free(descriptor);
  }
  free(environment);
}

// ---- System calls

static napi_value result_or_errno(napi_env env, long result) { return number(env, result < 0 ? -errno : result); }

// The environment owns `fd` from now on, and closes it when it ends; or there was an error, which errno names.
static napi_value own(napi_env env, int fd) {
  if (fd < 0) return number(env, -errno);
  descriptor_t *descriptor = calloc(1, sizeof *descriptor);
  if (descriptor == NULL) {
    close(fd);
    return number(env, -ENOMEM);
  }
  environment_t *environment = environment_of(env);
  *descriptor = (descriptor_t){.fd = fd, .next = environment->first};
  environment->first = descriptor;
  return number(env, fd);
}

// socket(domain, type, protocol) -> fd. Always non-blocking and close-on-exec.
static napi_value call_socket(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int domain, type, protocol;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &domain) || !get_int(env, arguments[1], &type) ||
      !get_int(env, arguments[2], &protocol))
    return number(env, -EINVAL);
  return own(env, socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

// timer() -> fd that becomes readable when its time is over. It counts CLOCK_MONOTONIC.
static napi_value call_timer(napi_env env, napi_callback_info info) {
  (void)info;
  return own(env, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

// timerSet(fd, microseconds) -> 0. From now on, whatever it was set to before; what it has become readable for is
// forgotten. 0 stops it.
static napi_value call_timer_set(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd, microseconds;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_int(env, arguments[1], &microseconds) || microseconds < 0)
    return number(env, -EINVAL);
  struct itimerspec spec = {0};
  spec.it_value.tv_sec = microseconds / 1000000;
  spec.it_value.tv_nsec = microseconds % 1000000 * 1000L;
  return result_or_errno(env, timerfd_settime(fd, 0, &spec, NULL));
}

// close(fd) -> 0. Only what this environment made and still owns; ends its poll.
static napi_value call_close(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd)) return number(env, -EINVAL);
  if (!drop_descriptor(env, fd)) return number(env, -EBADF);
  return result_or_errno(env, close(fd));
}

// release(fd) -> 0: from now on somebody else (net.Socket, dgram) owns and closes it. Ends its poll.
static napi_value call_release(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd)) return number(env, -EINVAL);
  return number(env, drop_descriptor(env, fd) ? 0 : -EBADF);
}

// bind(fd, sockaddr) -> 0
static napi_value call_bind(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  bytes_t address;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &address)) return number(env, -EINVAL);
  return result_or_errno(env, bind(fd, address.data, (socklen_t)address.length));
}

// connect(fd, sockaddr) -> 0 or -EINPROGRESS
static napi_value call_connect(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  bytes_t address;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &address)) return number(env, -EINVAL);
  return result_or_errno(env, connect(fd, address.data, (socklen_t)address.length));
}

// setsockopt(fd, level, name, value: number | bytes) -> 0. A number is passed as a C int.
static napi_value call_setsockopt(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd, level, name, value;
  bytes_t bytes;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_int(env, arguments[1], &level) || !get_int(env, arguments[2], &name))
    return number(env, -EINVAL);
  if (get_int(env, arguments[3], &value))
    bytes = (bytes_t){&value, sizeof value};
  else if (!get_bytes(env, arguments[3], &bytes))
    return number(env, -EINVAL);
  return result_or_errno(env, setsockopt(fd, level, name, bytes.data, (socklen_t)bytes.length));
}

// getsockoptInt(fd, level, name) -> the option's value, for options that are a C int >= 0
static napi_value call_getsockopt_int(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd, level, name, value = 0;
  socklen_t length = sizeof value;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_int(env, arguments[1], &level) || !get_int(env, arguments[2], &name))
    return number(env, -EINVAL);
  if (getsockopt(fd, level, name, &value, &length) < 0) return number(env, -errno);
  return number(env, value);
}

// attachFilter(fd, program) -> 0. Classic BPF, 8 bytes an instruction; replaces the filter before it atomically.
static napi_value call_attach_filter(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  bytes_t program;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &program)) return number(env, -EINVAL);
  size_t instructions = program.length / sizeof(struct sock_filter);
  if (program.length % sizeof(struct sock_filter) != 0 || instructions < 1 || instructions > BPF_MAXINSNS)
    return number(env, -EINVAL);
  struct sock_fprog filter = {.len = (unsigned short)instructions, .filter = program.data};
  return result_or_errno(env, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
}

// sendmsg(fd, bytes, length, sockaddr | null, control | null) -> bytes sent. Sends the first `length` bytes.
static napi_value call_sendmsg(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd, length;
  bytes_t bytes, address, control;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &bytes) ||
      !get_int(env, arguments[2], &length) || !get_bytes_or_null(env, arguments[3], &address) ||
      !get_bytes_or_null(env, arguments[4], &control) || length < 0 || (size_t)length > bytes.length)
    return number(env, -EINVAL);
  struct iovec vector = {.iov_base = bytes.data, .iov_len = (size_t)length};
  struct msghdr message = {
      // by name: musl's msghdr has padding between the fields
      .msg_name = address.data,
      .msg_namelen = (socklen_t)address.length,
      .msg_iov = &vector,
      .msg_iovlen = 1,
      .msg_control = control.data,
      .msg_controllen = control.length,
  };
  return result_or_errno(env, sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

// recvmsg(fd, bytes, sockaddr | null, control | null, lengths: Int32Array(3) | null) -> bytes received.
// lengths becomes [bytes of sockaddr, bytes of control, MSG_ flags].
static napi_value call_recvmsg(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  bytes_t bytes, address, control;
  int32_t *lengths = NULL;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &bytes) ||
      !get_bytes_or_null(env, arguments[2], &address) || !get_bytes_or_null(env, arguments[3], &control) ||
      !get_ints_or_null(env, arguments[4], 3, &lengths))
    return number(env, -EINVAL);
  struct iovec vector = {.iov_base = bytes.data, .iov_len = bytes.length};
  struct msghdr message = {
      .msg_name = address.data,
      .msg_namelen = (socklen_t)address.length,
      .msg_iov = &vector,
      .msg_iovlen = 1,
      .msg_control = control.data,
      .msg_controllen = control.length,
  };
  ssize_t received = recvmsg(fd, &message, MSG_DONTWAIT);
  if (received < 0) return number(env, -errno);
  if (lengths != NULL) {
    lengths[0] = (int32_t)message.msg_namelen;
    lengths[1] = (int32_t)message.msg_controllen;
    lengths[2] = message.msg_flags;
  }
  return number(env, received);
}

// schedule(sliceNs, nice) -> 0. The calling thread asks for slices of processor time of so many nanoseconds. Without a
// privilege where the niceness stays what it is; -EPERM for a lower one.
static napi_value call_schedule(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int slice_ns, nice;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &slice_ns) || !get_int(env, arguments[1], &nice) || slice_ns < 0)
    return number(env, -EINVAL);
  // glibc 2.41 and musl disagree about a declaration of it.
  struct sched_attr attributes = {.size = SCHED_ATTR_SIZE_VER0, .sched_nice = nice, .sched_runtime = (__u64)slice_ns};
  return result_or_errno(env, syscall(SYS_sched_setattr, 0, &attributes, 0));
}

// ---- The module

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"socket", call_socket},
      {"timer", call_timer},
      {"timerSet", call_timer_set},
      {"close", call_close},
      {"release", call_release},
      {"bind", call_bind},
      {"connect", call_connect},
      {"setsockopt", call_setsockopt},
      {"getsockoptInt", call_getsockopt_int},
      {"attachFilter", call_attach_filter},
      {"sendmsg", call_sendmsg},
      {"recvmsg", call_recvmsg},
      {"schedule", call_schedule},
      {"pollOpen", call_poll_open},
      {"pollEvents", call_poll_events},
      {"pollClose", call_poll_close},
  };
  if (!check_libuv()) {
    napi_throw_error(env, NULL, "netsys: this libuv numbers its handle types differently");
    return NULL;
  }
  environment_t *environment = calloc(1, sizeof *environment);
  if (environment == NULL || napi_set_instance_data(env, environment, finalize_environment, NULL) != napi_ok) {
    free(environment);
    napi_throw_error(env, NULL, "netsys: out of memory");
    return NULL;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
