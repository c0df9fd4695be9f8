"""Signs in to Xero (OAuth 2.0 with PKCE) and stores the login."""
