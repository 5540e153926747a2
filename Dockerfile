# One image for every process; docker-compose.yml says which runs where.
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    MS5_HOST=0.0.0.0 MS5_DATA_DIR=/data MS5_STATIC_ROOT=/srv/ms5-static

RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ms5 \
    && install -d -o ms5 -g ms5 /data

WORKDIR /srv/ms5
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# The key signs nothing here; settings merely demand one.
RUN SECRET_KEY=used-only-to-collect-static-files \
    python manage.py collectstatic --noinput --verbosity 0

# The code is root's: a process that is taken over cannot change it.
USER ms5
EXPOSE 8000
CMD ["python", "-m", "ms5.web", "--host", "0.0.0.0", "--port", "8000"]
