"""OpenAI's client for Python and LiteLLM against a server: python contract.py URL KEY openai|litellm. Exits 1 where anything differs."""

import io
import sys
import warnings

warnings.filterwarnings("ignore")
url, key, which = sys.argv[1:]
prompt = "a large red star moves right over a blue background"
pixel = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f0001040100"
    "5fe5c34b0000000049454e44ae426082"
)


def openai_client():
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key)
    fields = {"model": "demo", "prompt": prompt, "size": "64x64", "seconds": "2"}
    video = client.videos.create_and_poll(**fields, extra_body={"quantcache": {"profile": "fast", "trace": True}})
    assert (video.status, video.progress) == ("completed", 100), video
    assert video.model_extra["quantcache"]["request"]["quantcache"]["profile"] == "fast"
    assert prompt.encode() in client.videos.download_content(video.id).read()
    assert client.videos.download_content(video.id, variant="thumbnail").read()
    picture = io.BytesIO(pixel)
    picture.name = "../../escape.png"
    shown = client.videos.create(**fields, input_reference=picture)
    assert shown.model_extra["quantcache"]["has_input_reference"], shown
    remix = client.videos.remix(video.id, prompt="a blue star")
    assert remix.remixed_from_video_id == video.id
    ids = [one.id for one in client.videos.list(limit=2)]
    assert len(ids) == len(set(ids)) and {video.id, remix.id} <= set(ids), ids
    assert client.videos.delete(remix.id).deleted
    for wrong, error in (
        (lambda: client.videos.create(**{**fields, "size": "1x1"}), openai.BadRequestError),
        (lambda: client.videos.create(**{**fields, "model": "none"}), openai.NotFoundError),
        (lambda: client.videos.retrieve("video_" + "0" * 32), openai.NotFoundError),
        (lambda: client.videos.download_content(client.videos.create(**{**fields, "prompt": "slow"}).id), openai.ConflictError),
        (lambda: openai.OpenAI(base_url=f"{url}/v1", api_key="wrong").videos.list(), openai.AuthenticationError),
    ):
        try:
            wrong()
        except error:
            continue
        raise AssertionError(f"{error.__name__} was not raised")
    return openai.__version__


def litellm_client():
    import time
    from importlib.metadata import version

    import litellm

    litellm.suppress_debug_info = True
    for provider in ("openai", "hosted_vllm"):
        where = {"api_base": f"{url}/v1", "api_key": key}
        video = litellm.video_generation(
            model=f"{provider}/demo", prompt=prompt, size="64x64", seconds="2",
            extra_body={"quantcache": {"profile": "fast"}}, **where,
        )
        which_one = {"video_id": video.id, "custom_llm_provider": provider}
        while video.status in ("queued", "in_progress"):
            time.sleep(0.1)
            video = litellm.video_status(**which_one, **where)
        assert video.status == "completed", video
        assert prompt.encode() in litellm.video_content(**which_one, **where)
    assert litellm.video_list(custom_llm_provider="openai", **where)
    return version("litellm")


print(openai_client() if which == "openai" else litellm_client())
