"""Release: training lines become a named version, judged before anybody sees it."""
