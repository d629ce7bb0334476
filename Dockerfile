# One image for web, worker, beat, sweeper and migrate; docker-compose.yml gives each its command.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin helpline

WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN pip install --require-hashes --no-deps -r requirements/run.txt

COPY manage.py ./
COPY helpline helpline
COPY intake intake
COPY locale locale
COPY templates templates

ENV STATIC_ROOT=/app/static \
    HELPLINE_DATA=/data \
    HOST=0.0.0.0
RUN python manage.py collectstatic --noinput --verbosity 0 --skip-checks \
    && install -d -o helpline -g helpline -m 700 /data

USER helpline
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "helpline.probe", "web"]
CMD ["python", "-m", "gunicorn", "--config", "python:helpline.webserver", "helpline.wsgi"]
