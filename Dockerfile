# Rundun as a container: docker build -t rundun . ; /docs/install says how to start it.
# The base is named by a tag, so that a new build brings its fixes. By a digest it is always the same one:
# write python:3.13-slim@sha256:… in both places, as `docker buildx imagetools inspect python:3.13-slim` tells it.

FROM python:3.13-slim AS libraries
COPY requirements.lock /
# Only compiled packages, and only with the lock's hashes.
RUN python -m venv /opt/rundun \
 && /opt/rundun/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r /requirements.lock \
 && /opt/rundun/bin/pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=libraries /opt/rundun /opt/rundun
COPY rundun /opt/rundun/code/rundun
COPY templates /opt/rundun/code/rundun/_pages/templates
COPY static /opt/rundun/code/rundun/_pages/static
# `rundun` as pip would make it, the code compiled, and a folder for the database, whose owner a new volume takes over.
RUN printf '#!/bin/sh\nPYTHONPATH=/opt/rundun/code exec /opt/rundun/bin/python -P -m rundun "$@"\n' > /usr/local/bin/rundun \
 && chmod 755 /usr/local/bin/rundun \
 && /opt/rundun/bin/python -m compileall -q /opt/rundun/code \
 && useradd --system --uid 8000 --user-group --no-create-home rundun \
 && install -d -o rundun -g rundun -m 700 /data

USER 8000:8000
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENV PYTHONUNBUFFERED=1
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
  CMD ["python", "-I", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/readyz', timeout=8)"]

# Without a database it refuses to serve: `docker run … init` makes it, and prints the key to its caller.
ENTRYPOINT ["rundun"]
CMD ["serve", "--existing", "--host", "0.0.0.0"]
