TEMPLATE=t-…
curl -s http://127.0.0.1:8000/v1/runs \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"template_id": "'$TEMPLATE'", "executor_ref": "booking_12345"}'
