// The definitions of Gateway API for tests; tools/gateway-api.sh takes one file out of the module.
module cleat.dev/test/gateway-api

go 1.24.0

require sigs.k8s.io/gateway-api v1.4.1
