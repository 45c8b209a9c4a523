#!/usr/bin/env python3
"""cli.py: the old batch's command line, handed on to deskstream: `python cli.py batch -d 2024-03-15 --email`.

The commands, their options and their exit statuses are deskstream's own; without a command it prints help and
ends with 0, as the old one did.
"""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = (os.environ.get('DESKSTREAM') or shutil.which('deskstream')
           or os.path.join(HERE, '..', '..', 'build', 'deskstream'))

if not os.access(PROGRAM, os.X_OK):
    sys.exit('deskstream을 찾을 수 없습니다: ' + PROGRAM)
os.execv(PROGRAM, [PROGRAM, *(sys.argv[1:] or ['--help'])])
