# The service in an image: docs/service.md says how it is run.
#
#   docker build -t bugfoundry .
#
# Pin the base by digest where it matters: --build-arg BASE=python:3.12-slim-bookworm@sha256:...
# Behind a proxy that signs for others: --build-arg EXTRA_CA="$(cat proxy-ca.pem)"
# With another package index: --build-arg UV_DEFAULT_INDEX=... --build-arg PIP_INDEX_URL=...
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS base
ARG EXTRA_CA=""
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git patch \
    && rm -rf /var/lib/apt/lists/* \
    && if [ -n "$EXTRA_CA" ]; then \
        printf '%s\n' "$EXTRA_CA" > /usr/local/share/ca-certificates/extra.crt \
        && update-ca-certificates; \
    fi
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt

FROM base AS build
ARG UV_VERSION=0.13.8
ARG UV_DEFAULT_INDEX=""
ARG PIP_INDEX_URL=""
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src
RUN python3 -m venv /uv \
    && if [ -z "$PIP_INDEX_URL" ]; then unset PIP_INDEX_URL; fi \
    && PIP_CERT="$SSL_CERT_FILE" /uv/bin/pip install --no-cache-dir "uv==${UV_VERSION}"
# What it needs changes seldom: a layer of its own, by the hashes of the lock file, from any index.
COPY pyproject.toml uv.lock ./
RUN if [ -z "$UV_DEFAULT_INDEX" ]; then unset UV_DEFAULT_INDEX; fi \
    && /uv/bin/uv export --quiet --frozen --no-dev --no-emit-project -o /requirements.txt \
    && /uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/bugfoundry \
    && VIRTUAL_ENV=/opt/bugfoundry /uv/bin/uv pip install --quiet --require-hashes \
        --compile-bytecode -r /requirements.txt
COPY . .
RUN if [ -z "$UV_DEFAULT_INDEX" ]; then unset UV_DEFAULT_INDEX; fi \
    && VIRTUAL_ENV=/opt/bugfoundry /uv/bin/uv pip install --quiet --no-deps \
        --compile-bytecode .

FROM base
# A number of its own, above those of people: files in the volume belong to it.
RUN groupadd --gid 10001 bugfoundry \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home bugfoundry \
    && install -d -o bugfoundry -g bugfoundry /data
COPY --from=build /opt/bugfoundry /opt/bugfoundry
ENV PATH=/opt/bugfoundry/bin:$PATH \
    HOME=/data \
    PYTHONUNBUFFERED=1 \
    BUGFOUNDRY_SERVE_HOST=0.0.0.0 \
    BUGFOUNDRY_SERVE_PORT=8080 \
    BUGFOUNDRY_STORE=/data/bugfoundry.db \
    BUGFOUNDRY_CACHE=/data/cache
USER bugfoundry
WORKDIR /data
VOLUME /data
EXPOSE 8080
# By whatever answers on the port: no curl in the image.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"BUGFOUNDRY_SERVE_PORT\"]}/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["bugfoundry"]
CMD ["serve"]
