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
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- What is used of libuv, declared by hand so that no Node's uv.h is needed. All of it is part of libuv 1.x's stable
// ABI. Handles are opaque: memory of uv_handle_size() bytes, reached only through libuv's own functions.
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
#define UV_POLL 8 // enum uv_handle_type; checked by name when the addon is loaded

extern size_t uv_handle_size(int type);
extern const char *uv_handle_type_name(int type);
extern void uv_handle_set_data(uv_handle_t *handle, void *data);
extern void *uv_handle_get_data(const uv_handle_t *handle);
extern void uv_close(uv_handle_t *handle, void (*on_closed)(uv_handle_t *handle));
extern int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
extern int uv_poll_start(uv_poll_t *handle, int events, void (*on_ready)(uv_poll_t *handle, int status, int events));

#define POLL_EVENTS 3 // UV_READABLE | UV_WRITABLE

// ---- Descriptors of one environment

typedef struct poll {
  uv_poll_t *handle;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
} poll_t;

typedef struct descriptor {
  int fd;
  poll_t *poll; // NULL while nobody watches
  struct descriptor *next;
} descriptor_t;

typedef struct {
  descriptor_t *first;
} environment_t;

static environment_t *environment_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

static descriptor_t *find_descriptor(napi_env env, int fd) {
  descriptor_t *descriptor = environment_of(env)->first;
  while (descriptor != NULL && descriptor->fd != fd) descriptor = descriptor->next;
  return descriptor;
}

static void close_poll(poll_t *poll);

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

// ---- Arguments and results

#define MAX_ARGUMENTS 5

typedef struct {
  void *data; // NULL stands for null or undefined
  size_t length;
} bytes_t;

static void get_arguments(napi_env env, napi_callback_info info, napi_value arguments[MAX_ARGUMENTS]) {
  size_t count = MAX_ARGUMENTS;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL); // fills what is missing with undefined
}

// A whole number of 32 bits; napi_get_value_int32 alone would truncate and wrap.
static bool get_int(napi_env env, napi_value value, int *result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= INT_MIN && number <= INT_MAX)) return false;
  *result = (int)number;
  return *result == number;
}

static bool get_array(napi_env env, napi_value value, napi_typedarray_type wanted, bytes_t *result) {
  bool is_typed_array = false;
  napi_typedarray_type type;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return false;
  if (napi_get_typedarray_info(env, value, &type, &result->length, &result->data, NULL, NULL) != napi_ok) return false;
  return type == wanted;
}

static bool get_bytes(napi_env env, napi_value value, bytes_t *result) {
  return get_array(env, value, napi_uint8_array, result);
}

static bool is_absent(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && (type == napi_undefined || type == napi_null);
}

static bool get_bytes_or_null(napi_env env, napi_value value, bytes_t *result) {
  *result = (bytes_t){NULL, 0};
  return is_absent(env, value) || get_bytes(env, value, result);
}

static napi_value number(napi_env env, long value) {
  napi_value result = NULL;
  napi_create_int32(env, (int32_t)value, &result);
  return result;
}

static napi_value result_or_errno(napi_env env, long result) { return number(env, result < 0 ? -errno : result); }

// ---- System calls

// socket(domain, type, protocol) -> fd. Always non-blocking and close-on-exec.
static napi_value call_socket(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int domain, type, protocol;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &domain) || !get_int(env, arguments[1], &type) ||
      !get_int(env, arguments[2], &protocol))
    return number(env, -EINVAL);
  descriptor_t *descriptor = calloc(1, sizeof *descriptor);
  if (descriptor == NULL) return number(env, -ENOMEM);
  int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) {
    int failure = errno;
    free(descriptor);
    return number(env, -failure);
  }
  environment_t *environment = environment_of(env);
  *descriptor = (descriptor_t){.fd = fd, .next = environment->first};
  environment->first = descriptor;
  return number(env, fd);
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
  bytes_t bytes, address, control, lengths = {NULL, 0};
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_bytes(env, arguments[1], &bytes) ||
      !get_bytes_or_null(env, arguments[2], &address) || !get_bytes_or_null(env, arguments[3], &control))
    return number(env, -EINVAL);
  if (!is_absent(env, arguments[4]) &&
      (!get_array(env, arguments[4], napi_int32_array, &lengths) || lengths.length < 3))
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
  if (lengths.data != NULL) {
    int32_t *out = lengths.data;
    out[0] = (int32_t)message.msg_namelen;
    out[1] = (int32_t)message.msg_controllen;
    out[2] = message.msg_flags;
  }
  return number(env, received);
}

// ---- Polls

static void on_poll_closed(uv_handle_t *handle) {
  poll_t *poll = uv_handle_get_data(handle);
  if (poll->hook != NULL) napi_remove_async_cleanup_hook(poll->hook);
  free(poll->handle);
  free(poll);
}

// After this libuv no longer looks at the descriptor; the memory goes once it says so.
static void close_poll(poll_t *poll) {
  napi_delete_reference(poll->env, poll->callback);
  napi_async_destroy(poll->env, poll->context);
  uv_close((uv_handle_t *)poll->handle, on_poll_closed);
}

// The environment ends with a poll still open. Node waits for on_poll_closed, which a plain cleanup hook would not do:
// then the loop would call into freed memory.
static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  poll_t *poll = data;
  for (descriptor_t *it = environment_of(poll->env)->first; it != NULL; it = it->next)
    if (it->poll == poll) it->poll = NULL;
  close_poll(poll);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  poll_t *poll = uv_handle_get_data((uv_handle_t *)handle);
  napi_env env = poll->env; // the callback may close the poll
  napi_handle_scope scope;
  napi_value callback, global;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value arguments[2] = {number(env, status), number(env, events)};
  if (napi_get_reference_value(env, poll->callback, &callback) == napi_ok &&
      napi_get_global(env, &global) == napi_ok) {
    napi_make_callback(env, poll->context, global, callback, 2, arguments, NULL); // runs microtasks too
    bool thrown = false;
    napi_value exception;
    if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown &&
        napi_get_and_clear_last_exception(env, &exception) == napi_ok)
      napi_fatal_exception(env, exception); // becomes 'uncaughtException'
  }
  napi_close_handle_scope(env, scope);
}

// pollOpen(fd, events, callback(status, events)) -> 0. Of a descriptor this environment owns, one poll at a time.
// The poll is level triggered. With status < 0 (POLLERR, for example the interface of a bound socket went down) libuv
// has stopped it: pollEvents starts it again.
static napi_value call_poll_open(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS], name, resource;
  napi_valuetype type;
  int fd, events;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_int(env, arguments[1], &events) || (events & ~POLL_EVENTS) != 0 ||
      events == 0 || napi_typeof(env, arguments[2], &type) != napi_ok || type != napi_function)
    return number(env, -EINVAL);
  descriptor_t *descriptor = find_descriptor(env, fd);
  if (descriptor == NULL) return number(env, -EBADF);
  if (descriptor->poll != NULL) return number(env, -EEXIST);

  uv_loop_t *loop;
  poll_t *poll = calloc(1, sizeof *poll);
  uv_poll_t *handle = calloc(1, uv_handle_size(UV_POLL));
  if (poll == NULL || handle == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok) {
    free(poll);
    free(handle);
    return number(env, -ENOMEM);
  }
  *poll = (poll_t){.handle = handle, .env = env};
  int result = uv_poll_init(loop, handle, fd);
  if (result < 0) {
    free(poll);
    free(handle);
    return number(env, result);
  }
  uv_handle_set_data((uv_handle_t *)handle, poll);
  napi_create_string_utf8(env, "netsys.poll", NAPI_AUTO_LENGTH, &name);
  napi_create_object(env, &resource);
  napi_async_init(env, resource, name, &poll->context);
  napi_create_reference(env, arguments[2], 1, &poll->callback);
  napi_add_async_cleanup_hook(env, on_teardown, poll, &poll->hook);
  descriptor->poll = poll;
  return number(env, uv_poll_start(handle, events, on_ready));
}

// pollEvents(fd, events) -> 0: watches for these events from now on, also after an error stopped the poll.
static napi_value call_poll_events(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd, events;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd) || !get_int(env, arguments[1], &events) || (events & ~POLL_EVENTS) != 0 ||
      events == 0)
    return number(env, -EINVAL);
  descriptor_t *descriptor = find_descriptor(env, fd);
  if (descriptor == NULL || descriptor->poll == NULL) return number(env, -EBADF);
  return number(env, uv_poll_start(descriptor->poll->handle, events, on_ready));
}

// pollClose(fd) -> 0. The callback is not called again.
static napi_value call_poll_close(napi_env env, napi_callback_info info) {
  napi_value arguments[MAX_ARGUMENTS];
  int fd;
  get_arguments(env, info, arguments);
  if (!get_int(env, arguments[0], &fd)) return number(env, -EINVAL);
  descriptor_t *descriptor = find_descriptor(env, fd);
  if (descriptor == NULL || descriptor->poll == NULL) return number(env, -EBADF);
  close_poll(descriptor->poll);
  descriptor->poll = NULL;
  return number(env, 0);
}

// ---- The module

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"socket", call_socket},
      {"close", call_close},
      {"release", call_release},
      {"bind", call_bind},
      {"connect", call_connect},
      {"setsockopt", call_setsockopt},
      {"getsockoptInt", call_getsockopt_int},
      {"attachFilter", call_attach_filter},
      {"sendmsg", call_sendmsg},
      {"recvmsg", call_recvmsg},
      {"pollOpen", call_poll_open},
      {"pollEvents", call_poll_events},
      {"pollClose", call_poll_close},
  };
  const char *poll_name = uv_handle_type_name(UV_POLL);
  if (poll_name == NULL || strcmp(poll_name, "poll") != 0) {
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
