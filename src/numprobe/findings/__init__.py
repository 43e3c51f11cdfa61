"""What a study found, as Markdown pages whose every number comes from a collected table."""
