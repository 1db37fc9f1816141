#!/bin/sh
# A clip by curl, of a server that "quantcache serve" started: sh curl.sh
set -eu
url="${QUANTCACHE_URL:-http://127.0.0.1:8000}/v1/videos"
ask() { curl --silent --show-error --fail-with-body -H "authorization: Bearer ${QUANTCACHE_API_KEY:-none}" "$@"; }

id=$(ask "$url" -H 'content-type: application/json' -d '{
  "prompt": "a large red star moves right over a blue background", "seed": 7, "quantcache": {"profile": "fast"}
}' | sed 's/.*"id":"\(video_[0-9a-f]*\)".*/\1/')
ask --no-buffer "$url/$id/events" | grep --line-buffered '^event:' | uniq # until it has ended
ask "$url/$id/content" -o curl.mp4
echo curl.mp4
