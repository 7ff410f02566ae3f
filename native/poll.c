// libuv's poll on a descriptor this environment owns. See addon.h and, for what must hold, netsys.c.
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct poll {
  uv_poll_t *handle;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
};

bool check_libuv(void) {
  const char *name = uv_handle_type_name(UV_POLL);
  return name != NULL && strcmp(name, "poll") == 0;
}

static void on_poll_closed(uv_handle_t *handle) {
  poll_t *poll = uv_handle_get_data(handle);
  if (poll->hook != NULL) napi_remove_async_cleanup_hook(poll->hook);
  free(poll->handle);
  free(poll);
}

void close_poll(poll_t *poll) {
  napi_delete_reference(poll->env, poll->callback);
  napi_async_destroy(poll->env, poll->context);
  uv_close((uv_handle_t *)poll->handle, on_poll_closed);
}

// The environment ends with a poll still open. Node waits for on_poll_closed, which a plain cleanup hook would not do:
// then the loop would call into freed memory.
static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  poll_t *poll = data;
  for (descriptor_t *it = first_descriptor(poll->env); it != NULL; it = it->next)
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
napi_value call_poll_open(napi_env env, napi_callback_info info) {
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
napi_value call_poll_events(napi_env env, napi_callback_info info) {
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
napi_value call_poll_close(napi_env env, napi_callback_info info) {
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
