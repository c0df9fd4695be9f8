"""The state of one practice and of all practices, as every header and `status` show it."""
