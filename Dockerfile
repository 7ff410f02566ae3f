# The image of manifests/install.yaml; no registry has it, and CI builds none (test/interop/image.test.ts assembles what it holds
# and starts it). `make image` builds it for the machine's own architecture, which is
#
#   docker build -t localhost/cleat:0.1.0 .
#
# and for both, with an engine that can run foreign binaries (QEMU) and a registry to push to:
#
#   docker buildx build --platform=linux/amd64,linux/arm64 --push -t registry.example.org/cleat:0.1.0 .
#
# It holds the Node.js of package-lock.json, the bundle (dist/) with its bill of materials, and the C and C++ libraries Node.js
# needs: no shell, no npm, no package manager. It runs as nobody in particular, on a root file system that may be read-only.
FROM docker.io/library/node:24-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY native native
COPY src src
COPY tools tools
# The build runs on the Node.js that the image will have.
RUN cp "$(readlink -f node_modules/.bin/node)" /usr/bin/node-of-lock \
  && /usr/bin/node-of-lock tools/build-native.ts \
  && /usr/bin/node-of-lock tools/bundle.ts

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="cleat" \
  org.opencontainers.image.description="A load balancer for bare-metal Kubernetes that replaces MetalLB object for object." \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /usr/bin/node-of-lock /usr/bin/node
COPY --from=build /src/dist /cleat
# Otherwise glibc gives each of V8's helper threads an arena of its own, which keeps what was once compiled in it: 15 MB.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["/usr/bin/node", "/cleat/cleat.mjs"]
