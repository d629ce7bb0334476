"""procrastinate as a careful user sets it up: one job a row, scheduled for its time.

Jobs of a killed worker stay "doing" until somebody retries them; the periodic task that its manual
gives for this runs every minute. The task is asynchronous and marks over the app's own pool.
"""

import os

import procrastinate
from procrastinate import JobContext
from reminder_rows import MARK_ONE

app = procrastinate.App(
    # Room for every job at work, and for fetching the next.
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ["BENCH_DATABASE"], min_size=4, max_size=12
    ),
)


@app.task
async def mark(reminder: str) -> None:
    await app.connector.execute_query_async(MARK_ONE, reminder=reminder)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)
