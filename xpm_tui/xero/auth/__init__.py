"""Sign in to Xero (OAuth 2.0 with PKCE) and keep the login safe."""
