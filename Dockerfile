# Purser's image: the compiled program, its production dependencies and nothing else, run by a user without rights.
# Rule: no secret and no tool of the build gets in, and the program cannot write to itself. scripts/image.sh proves it.

# Node's Active LTS on glibc, for which lmdb carries its prebuilt binary. The tag takes in patch releases at each build;
# a release pins what was tested by adding the digest: node:26.13-bookworm-slim@sha256:<digest>.
FROM docker.io/library/node:26.13-bookworm-slim AS base
WORKDIR /app

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM base AS build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
COPY page ./page
RUN npm run build -- --sourceMap false

# The application layer: the same bytes from any checkout of a commit, under whatever umask that was made. The builder sets
# the times (docs/provenance.md).
FROM base AS program
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/build/src ./build/src
COPY --from=build /app/build/console ./build/console
COPY package.json openapi.yaml ./
RUN chmod -R u=rwX,go=rX .

FROM base
# Nothing here installs packages or changes users any more (CIS Docker 4.3 and 4.8).
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && install -d -o 65532 -g 65532 -m 700 /data
COPY --from=program /app ./

# HOST stays 127.0.0.1, as everywhere: who publishes the port opens it (docker-compose.yml).
ENV NODE_ENV=production PORT=8700 DATA_DIR=/data CONFIG_FILE=/etc/purser/purser.yaml
VOLUME /data
EXPOSE 8700
USER 65532:65532
STOPSIGNAL SIGTERM
# Asks over plain HTTP: where Purser itself ends TLS, give the container a check of its own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`, { signal: AbortSignal.timeout(3000) }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# A first argument that begins with - means `key issue`. No __proto__ to pollute through. `--`: Node 20 takes an `--env-file` that follows for its own.
ENTRYPOINT ["node", "--disable-proto=delete", "--", "build/src/cli/image.js"]
CMD ["serve"]
