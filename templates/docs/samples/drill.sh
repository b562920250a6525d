mkdir drill
rundun backup drill/backup.db      # or copy the newest of your backups to here
rundun restore drill/backup.db --database drill/rundun.db
rundun check --database drill/rundun.db
rundun orgs list --database drill/rundun.db
rundun serve --database drill/rundun.db --port 8001 & service=$!
until curl -s http://127.0.0.1:8001/readyz; do kill -0 $service; sleep 1; done
# Now look at http://127.0.0.1:8001/console: are the last runs there, with their photos?
kill $service && wait $service
rm -r drill
