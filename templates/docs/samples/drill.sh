set -eu  # it ends at the first thing that fails
mkdir drill
rundun backup drill/backup.db      # or copy the newest of your backups to here
cd drill
rundun restore backup.db
rundun check
rundun orgs list
rundun serve --port 8001 & service=$!
for second in $(seq 30); do
  sleep 1
  kill -0 $service  # else it has ended, and has said why
  if curl -sf -m 5 http://127.0.0.1:8001/readyz; then break; fi
  if [ $second = 30 ]; then kill $service; exit 1; fi
done
echo "Look at http://127.0.0.1:8001/console: are the last runs there, with their photos? Then press Enter."
read enter || :
kill $service && wait $service
cd .. && rm -r drill
