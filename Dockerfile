# One image a service, and `tools` for the job that makes the topics and the bucket: docker build --target images .
# In each: Python, the locked packages that its service runs on, and its code as compiled, plain folders.

FROM python:3.13-slim-trixie AS code
WORKDIR /code
COPY pyproject.toml ./
# What importlib.metadata reads of a project that is copied, not installed.
RUN mkdir keyframe.dist-info \
 && sed -n 's/^version = "\(.*\)"$/Name: keyframe\nVersion: \1/p' pyproject.toml >keyframe.dist-info/METADATA
COPY schemas schemas
COPY runtime runtime
COPY services services
RUN for service in script images voice assembler storage gateway; do \
      mkdir -p /of/$service/services \
   && cp -r keyframe.dist-info schemas runtime /of/$service/ \
   && cp -r services/__init__.py services/$service /of/$service/services/ || exit 1; \
    done \
 && mkdir /of/tools && cp -r keyframe.dist-info schemas runtime /of/tools/ \
 && python -m compileall -q --invalidation-mode unchecked-hash /of -s /of

FROM python:3.13-slim-trixie AS base
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements/base.lock /requirements/
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/base.lock
# The file system may be read-only: nothing is compiled at run time, and who looks for a home finds /tmp.
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp

FROM base AS tools
COPY --from=code /of/tools ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "runtime.init"]

FROM base AS stage
ENV KEYFRAME_HEALTH_HOST=0.0.0.0 KEYFRAME_HEALTH_PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=4 \
  CMD ["python", "-m", "runtime.probe", "8080", "/livez"]

FROM stage AS script
COPY requirements/script.lock /requirements/
RUN pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/script.lock
COPY --from=code /of/script ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.script"]

FROM stage AS images
COPY requirements/images.lock /requirements/
RUN pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/images.lock
COPY --from=code /of/images ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.images"]

FROM stage AS voice
COPY requirements/voice.lock /requirements/
RUN pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/voice.lock
COPY --from=code /of/voice ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.voice"]

FROM stage AS assembler
COPY requirements/assembler.lock /requirements/
RUN pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/assembler.lock
COPY --from=code /of/assembler ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.assembler"]

FROM stage AS storage
COPY --from=code /of/storage ./
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.storage"]

FROM stage AS gateway
COPY requirements/gateway.lock /requirements/
RUN pip --python /venv/bin/python install -q --require-hashes --only-binary=:all: -r /requirements/gateway.lock
COPY --from=code /of/gateway ./
ENV KEYFRAME_GATEWAY_HOST=0.0.0.0 KEYFRAME_GATEWAY_PORT=3000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=8s --start-period=60s --retries=4 \
  CMD ["python", "-m", "runtime.probe", "3000", "/readyz"]
USER 10001:10001
ENTRYPOINT ["python", "-m", "services.gateway"]
