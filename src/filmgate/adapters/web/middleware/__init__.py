"""What happens to every request before and after its route, one duty in each module; `app` has the order."""
