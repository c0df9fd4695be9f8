"""Tests of the local Xero, most of them without sockets."""
