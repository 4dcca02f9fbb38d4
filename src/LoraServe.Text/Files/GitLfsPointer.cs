namespace LoraServe.Text.Files;

/// <summary>The small text file that git leaves in place of a large file that was not fetched.</summary>
public static class GitLfsPointer
{
    /// <summary>What is wrong and how to fix it, for an error message.</summary>
    public const string Fault =
        "a git-lfs pointer, not the file itself: run 'git lfs install' and 'git lfs pull' in the clone that it comes from, or download the file";

    /// <summary>Whether a file that begins with these bytes is a pointer.</summary>
    public static bool Is(ReadOnlySpan<byte> beginning) => beginning.StartsWith("version https://git-lfs.github.com/spec/"u8);
}
