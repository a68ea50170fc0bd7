"""How receivers regard a scope, from weighted signals: for people, pools and alerts."""
