"""The status of one practice and of all practices, for headers and `status`."""
