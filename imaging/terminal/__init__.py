"""What the terminal commands share: arguments, inputs, tables and files of output."""
