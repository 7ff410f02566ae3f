// What the files of the addon share: netsys.c (descriptors and system calls, the module), poll.c (libuv's poll) and
// arguments.c (values from and to JavaScript).
#ifndef NETSYS_ADDON_H
#define NETSYS_ADDON_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

// ---- Arguments and results

#define MAX_ARGUMENTS 5

typedef struct {
  void *data; // NULL stands for null or undefined
  size_t length;
} bytes_t;

// Fills what is missing with undefined.
void get_arguments(napi_env env, napi_callback_info info, napi_value arguments[MAX_ARGUMENTS]);

// False for a value that is no whole number of 32 bits, or no Uint8Array; nothing is converted.
bool get_int(napi_env env, napi_value value, int *result);
bool get_bytes(napi_env env, napi_value value, bytes_t *result);
bool get_bytes_or_null(napi_env env, napi_value value, bytes_t *result);
// An Int32Array of at least `length` elements, or null.
bool get_ints_or_null(napi_env env, napi_value value, size_t length, int32_t **result);

napi_value number(napi_env env, long value);

// ---- Descriptors of this environment, and the poll each may have

typedef struct poll poll_t;

typedef struct descriptor {
  int fd;
  poll_t *poll; // NULL while nobody watches
  struct descriptor *next;
} descriptor_t;

// All of them, to be walked by `next`.
descriptor_t *first_descriptor(napi_env env);
// NULL for one that is not ours.
descriptor_t *find_descriptor(napi_env env, int fd);

// Nothing is called back any more; the memory goes when libuv says so.
void close_poll(poll_t *poll);
// False where this Node's libuv is not the one poll.c was written for.
bool check_libuv(void);

napi_value call_poll_open(napi_env env, napi_callback_info info);
napi_value call_poll_events(napi_env env, napi_callback_info info);
napi_value call_poll_close(napi_env env, napi_callback_info info);

#endif
