"""What a mentor would ask: flags over a journal, computed from its decisions and evidence only.  Light."""
