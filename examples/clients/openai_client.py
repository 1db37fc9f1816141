# A clip by OpenAI's client for Python, of a server that "quantcache serve" started: pip install openai && python openai_client.py
import os

from openai import OpenAI

url = os.environ.get("QUANTCACHE_URL", "http://127.0.0.1:8000")
client = OpenAI(base_url=f"{url}/v1", api_key=os.environ.get("QUANTCACHE_API_KEY", "none"))

video = client.videos.create_and_poll(
    model="demo",
    prompt="a large red star moves right over a blue background",
    size="64x64",  # WIDTHxHEIGHT
    seconds="2",
    extra_body={"quantcache": {"profile": "fast"}},  # what is ours
)
if video.status != "completed":
    raise SystemExit(video.error)
client.videos.download_content(video.id).write_to_file("openai-python.mp4")
print("openai-python.mp4")
