/** Services whose status is written at a time where nothing else is said; more would only queue in the API server. */
export const CONCURRENT_SERVICE_SYNCS = 16;
