mkdir drill
rundun backup drill/backup.db      # or copy the newest of your backups to here
cd drill
rundun restore backup.db
rundun check
rundun orgs list
rundun serve --port 8001 & service=$!
until curl -s http://127.0.0.1:8001/readyz; do kill -0 $service; sleep 1; done
# Now look at http://127.0.0.1:8001/console: are the last runs there, with their photos?
kill $service && wait $service
cd .. && rm -r drill
