namespace LoraServe.Text.Files;

/// <summary>The pointer that git leaves in place of a large file it did not fetch.</summary>
public static class GitLfsPointer
{
    /// <summary>What is wrong with it, and what a person can do.</summary>
    public const string Fault =
        "a git-lfs pointer, not the file itself: run 'git lfs install' and 'git lfs pull' in the clone that it comes from, or download the file";

    /// <summary>Whether a file that begins so is one.</summary>
    public static bool Is(ReadOnlySpan<byte> beginning) => beginning.StartsWith("version https://git-lfs.github.com/spec/"u8);
}
