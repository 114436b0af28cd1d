"""What an organisation prints at the head of its reports: drafted, looked at, put into use."""
