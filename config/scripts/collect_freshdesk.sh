#!/usr/bin/env bash
#
# collect_freshdesk.sh: the old menu: full collection, monitor, guide, end.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
echo "1. 전체 수집 시작"
echo "2. 수집 모니터링"
echo "3. 가이드 열기"
echo "4. 종료"
read -r -p "선택하세요 (1-4): " choice || exit 1
case $choice in
1) exec "$here/run_full_collection.sh" ;;
2) exec "$here/monitor_collection.sh" ;;
3) exec "${PAGER:-cat}" "$here/../../docs/collector.md" ;;
4) echo "종료합니다." ;;
*)
    echo "잘못된 선택입니다. 1-4 중에서 선택하세요." >&2
    exit 1
    ;;
esac
