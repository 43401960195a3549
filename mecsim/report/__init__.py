"""What people look at: tables, pictures, TensorBoard."""
