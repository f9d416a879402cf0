# The server as an image. docs/nodes.md says how to run it; `docker build --tag phaseline .` makes it.
# Every package, Python's and npm's, is held to the hash that its lock names.

ARG PYTHON=3.13

# --- Builds the wheel, with the console page inside, and installs it into /opt/phaseline. ---
FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /source
COPY requirements.lock requirements-server.lock ./
RUN python -m venv /build \
    && /build/bin/pip install --no-deps --require-hashes --requirement requirements.lock
RUN python -m venv --without-pip /opt/phaseline \
    && /build/bin/pip --python /opt/phaseline/bin/python install \
        --no-deps --require-hashes --requirement requirements-server.lock

COPY . .
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/phaseline/bin/python install --no-deps --no-index /wheel/*.whl

# --- Runs it. Nothing that only builds is in here, and nothing in here may write anywhere but to /data. ---
FROM python:${PYTHON}-slim
RUN groupadd --gid 10001 phaseline \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin phaseline \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data
COPY --from=build /opt/phaseline /opt/phaseline

# Inside a container every address is its own; what is published to the outside is decided where it is run.
ENV PATH=/opt/phaseline/bin:$PATH \
    PHASELINE_HOST=0.0.0.0 \
    PHASELINE_PORT=8000 \
    PHASELINE_LOG_FORMAT=json

USER 10001:10001
# Where the SQLite file is kept, unless PHASELINE_DATABASE_URL names another database.
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# /healthz and not /readyz: whoever restarts unhealthy containers is not to do so because the database is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PHASELINE_PORT\"]}/healthz', timeout=4)"]

ENTRYPOINT ["phaseline"]
CMD ["serve"]
