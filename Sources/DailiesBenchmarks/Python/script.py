"""A careful script without Dailies: asyncio, aiohttp, and a journal in SQLite.

One coroutine per slot takes the next task, writes its intent, submits, writes the acceptance, polls at the documented
schedule counted from the intent, and writes the end. Every journal line is synced before the next step.

    python3 script.py --url URL --keys FILE --concurrency N --phases 0.1:4.5,0.25:12 --late 0.5 --journal FILE

Prints one JSON object: the time from the first intent to the last end, and the number of requests.
"""

import argparse
import asyncio
import json
import sqlite3
import time

import aiohttp

HEADERS = {"x-api-key": "any-key-will-do-here"}


def next_poll(elapsed, phases, late):
    start = 0.0
    for interval, end in phases:
        if elapsed >= end:
            start = end
            continue
        beat = start + (int((elapsed - start) / interval) + 1) * interval
        return min(beat, end)
    return start + (int((elapsed - start) / late) + 1) * late


class Journal:
    def __init__(self, path):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute("CREATE TABLE step (key TEXT, kind TEXT, at REAL, detail TEXT)")

    def write(self, key, kind, detail=None):
        self.database.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (key, kind, time.time(), detail))


async def render(session, options, journal, key, number, tally):
    body = {
        "model": "sora-2-pro",
        "prompt": f"A cinematic dolly shot through a misty pine forest at dawn, take {number}",
        "duration_seconds": 8,
        "out_task_id": key,
    }
    began = time.monotonic()
    journal.write(key, "intent", json.dumps(body))
    tally["requests"] += 1
    async with session.post(options.url + "/v1/tasks/submit", json=body) as reply:
        reply.raise_for_status()
        task = (await reply.json())["task_id"]
    journal.write(key, "accepted", task)
    elapsed = time.monotonic() - began
    while True:
        poll = next_poll(elapsed, options.phases, options.late)
        await asyncio.sleep(began + poll - time.monotonic())
        tally["requests"] += 1
        async with session.get(options.url + "/v1/tasks/query", params={"task_id": task}) as reply:
            reply.raise_for_status()
            answer = await reply.json()
        if answer["status"] in ("completed", "failed", "cancelled"):
            journal.write(key, answer["status"], json.dumps(answer))
            return
        # A poll that was slightly early must not be repeated for the same time.
        elapsed = max(time.monotonic() - began, poll)


async def slot(session, options, journal, tasks, tally):
    for number, key in tasks:
        await render(session, options, journal, key, number, tally)


async def main(options):
    keys = open(options.keys).read().split()
    tasks = iter(enumerate(keys, 1))
    journal = Journal(options.journal)
    tally = {"requests": 0}
    connector = aiohttp.TCPConnector(limit=options.connections)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:
        began = time.monotonic()
        slots = [slot(session, options, journal, tasks, tally) for _ in range(options.concurrency)]
        await asyncio.gather(*slots)
        print(json.dumps({"makespan": time.monotonic() - began, "requests": tally["requests"]}))


def phases(text):
    return [tuple(float(part) for part in phase.split(":")) for phase in text.split(",")]


parser = argparse.ArgumentParser()
parser.add_argument("--url", required=True)
parser.add_argument("--keys", required=True)
parser.add_argument("--journal", required=True)
parser.add_argument("--concurrency", type=int, required=True)
parser.add_argument("--connections", type=int, default=48)
parser.add_argument("--phases", type=phases, required=True)
parser.add_argument("--late", type=float, required=True)
asyncio.run(main(parser.parse_args()))
