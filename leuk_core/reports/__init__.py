"""What is told about models on paper: cards, tables and one HTML page that needs nothing from outside."""
