# The image of manifests/install.yaml; no registry has it, and CI builds none. For the nodes' own architecture:
#
#   docker build -t localhost/cleat:0.1.0 .
#
# It holds the Node.js of package-lock.json, the bundle (dist/) and the C and C++ libraries Node.js needs: no shell, no npm.
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
COPY --from=build /usr/bin/node-of-lock /usr/bin/node
COPY --from=build /src/dist /cleat
ENTRYPOINT ["/usr/bin/node", "/cleat/cleat.mjs"]
