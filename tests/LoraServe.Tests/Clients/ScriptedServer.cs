namespace LoraServe.Tests.Clients;

/// <summary>Serves <see cref="ScriptedModel"/>, two sequences at a time and two more that wait.</summary>
public sealed class ScriptedServer : LoraServeServer
{
    private readonly DirectoryInfo _folder;

    public ScriptedServer()
        : this(Directory.CreateTempSubdirectory("loraserve-scripted-"))
    {
    }

    private ScriptedServer(DirectoryInfo folder)
        : this(folder, ScriptedModel.Write(folder))
    {
    }

    private ScriptedServer(DirectoryInfo folder, (string Model, string Adapters) paths)
        : base(Settings(("Model", paths.Model), ("Adapters", paths.Adapters), ("MaxNumSeqs", "2"), ("MaxQueuedSeqs", "2"))) =>
        _folder = folder;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
