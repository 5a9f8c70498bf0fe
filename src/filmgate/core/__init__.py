"""What happens: accepting, answering and finishing tasks. Imports the domain and the ports only."""
