"""bench/chat_store.py BUILD [--rounds N] [--seconds N]: a day of chats through the store, without a model.

Fills a private MariaDB (tests/mariadb/start.sh) and a SQLite file with days of 10,000 and 1,000,000 chats, one
in ten asked twice, and runs bench/chat_store.c on each: time and peak memory of reading, keeping and writing back.
The aim: memory does not grow with the day. CHATS="10000 1000000" chooses the sizes.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile

TABLES = (
    'create table chattings (chatting_pk integer primary key {auto}, input_text text, created_at datetime)',
    'create table admin_chat_keywords (query_text text, keyword varchar(100), category_id int, '
    'query_count int, created_at datetime, batch_created_at datetime)',
    'create table admin_categories (category_id int, category_name varchar(100))',
    "insert into admin_categories values (1, '학교폭력'), (2, '전학, 편입'), (11, '기타')",
)


def fill_mariadb(count):
    directory = os.environ['TEST_MARIADB_DIR']
    sql = ['drop table if exists %s' % t for t in ('chattings', 'admin_chat_keywords', 'admin_categories')]
    sql += [t.format(auto='auto_increment') for t in TABLES]
    sql.append("insert into chattings (input_text, created_at) select concat('질문 ', seq - (seq %% 10 = 1), "
               "'번: 전학 절차와 필요한 서류를 알고 싶습니다. 언제까지 내야 하나요?'), "
               "'2024-03-15' + interval (seq %% 86400) second from seq_1_to_%d" % count)
    sql.append('create index created on chattings (created_at)')
    subprocess.run(['mariadb', '--no-defaults', '--default-character-set=utf8mb4', '-u', 'root', '-S',
                    os.path.join(directory, 's'), 'chats', '-e', ';'.join(sql)], check=True)
    return os.environ['TEST_MARIADB_URL']


def fill_sqlite(path, count):
    db = sqlite3.connect(path)
    for t in TABLES:
        db.execute(t.format(auto=''))
    db.executemany('insert into chattings (input_text, created_at) values (?, ?)', (
        ('질문 %d번: 전학 절차와 필요한 서류를 알고 싶습니다. 언제까지 내야 하나요?' % (i - (i % 10 == 1)),
         '2024-03-15 %02d:%02d:%02d' % (i % 86400 // 3600, i % 3600 // 60, i % 60))
        for i in range(1, count + 1)))
    db.execute('create index created on chattings (created_at)')
    db.commit()
    db.close()
    return 'sqlite:///' + path


def psql(sql):
    subprocess.run(['psql', '-X', '-q', '-d', os.environ['TEST_DATABASE_URL'], '-c', sql], check=True)


def inside(build, sizes):
    name = 'bench_chats_%d' % os.getpid()
    psql('create database %s' % name)
    url = os.environ['TEST_DATABASE_URL']
    try:
        days(build, sizes, '%s%sdbname=%s' % (url, '&' if '?' in url else '?', name))
    finally:
        psql('drop database if exists %s with (force)' % name)


def days(build, sizes, database_url):
    program = os.path.join(build, 'bench/chat_store')
    with tempfile.TemporaryDirectory() as scratch:
        for count in sizes:
            for home in ('mariadb', 'sqlite'):
                if home == 'mariadb' and not os.environ.get('TEST_MARIADB_URL'):
                    continue
                path = os.path.join(scratch, '%d.db' % count)
                url = fill_mariadb(count) if home == 'mariadb' else fill_sqlite(path, count)
                print('%s, %d chats' % (home, count), flush=True)
                subprocess.run([program, url, database_url, '2024-03-15'], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build')
    parser.add_argument('--rounds')
    parser.add_argument('--seconds')
    options = parser.parse_args()
    sizes = [int(n) for n in os.environ.get('CHATS', '10000 1000000').split()]
    if os.environ.get('BENCH_CHATS_INSIDE'):
        inside(options.build, sizes)
        return 0
    env = dict(os.environ, BENCH_CHATS_INSIDE='1')
    return subprocess.run(['tools/with-pg.sh', 'tests/mariadb/start.sh', sys.executable, *sys.argv],
                          env=env, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
