// Values from and to JavaScript. See addon.h.
#include "addon.h"

#include <limits.h>

void get_arguments(napi_env env, napi_callback_info info, napi_value arguments[MAX_ARGUMENTS]) {
  size_t count = MAX_ARGUMENTS;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL); // fills what is missing with undefined
}

// A whole number of 32 bits; napi_get_value_int32 alone would truncate and wrap.
bool get_int(napi_env env, napi_value value, int *result) {
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

bool get_bytes(napi_env env, napi_value value, bytes_t *result) {
  return get_array(env, value, napi_uint8_array, result);
}

static bool is_absent(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && (type == napi_undefined || type == napi_null);
}

bool get_bytes_or_null(napi_env env, napi_value value, bytes_t *result) {
  *result = (bytes_t){NULL, 0};
  return is_absent(env, value) || get_bytes(env, value, result);
}

bool get_ints_or_null(napi_env env, napi_value value, size_t length, int32_t **result) {
  bytes_t array = {NULL, 0};
  if (!is_absent(env, value) && (!get_array(env, value, napi_int32_array, &array) || array.length < length)) return false;
  *result = array.data;
  return true;
}

napi_value number(napi_env env, long value) {
  napi_value result = NULL;
  napi_create_int32(env, (int32_t)value, &result);
  return result;
}
