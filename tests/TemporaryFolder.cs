namespace LoraServe.Tests;

/// <summary>A folder of a test's own, deleted with everything in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const int MostAttempts = 40;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public string Path { get; } = Directory.CreateTempSubdirectory("loraserve-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
                return;
            }
            // What a test has let go, such as the loading of a pinned adapter, may write for a moment longer.
            catch (IOException) when (attempt < MostAttempts)
            {
                Thread.Sleep(Pause);
            }
        }
    }
}
