using System.Text.Json.Nodes;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using TorchSharp;

namespace LoraServe.Engine.Tests.Peft;

/// <summary>A copy of a golden adapter, to be changed before it is opened.</summary>
internal sealed class PeftFolder : IDisposable
{
    private const int MaxRank = 256;
    private const string Prefix = "base_model.model.";

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = torch.NewDisposeScope();
    private readonly SafetensorsFile _base;

    public PeftFolder(string model, string adapter)
    {
        var source = GoldenData.Path("adapters", model, adapter);
        Modules = ModelConfig.Load(GoldenData.Path("checkpoints", model)).Modules(model);
        _base = SafetensorsFile.Open(GoldenData.Path("checkpoints", model, "model.safetensors"));
        Config = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(source, PeftConfig.FileName)))!.AsObject();
        using var file = SafetensorsFile.Open(System.IO.Path.Combine(source, PeftAdapter.TensorFileName));
        Tensors = file.Entries.Keys.ToDictionary(name => name.Replace(Prefix, "", StringComparison.Ordinal), name => file.Read(name));
    }

    public ModelModules Modules { get; }

    public JsonObject Config { get; }

    /// <summary>By name without PEFT's prefix.</summary>
    public Dictionary<string, torch.Tensor> Tensors { get; }

    public string Path => _folder.Path;

    /// <summary>Of the base, a tied head's too.</summary>
    public torch.Tensor BaseTensor(string name) =>
        _base.Read(Modules.TiesHead && name == "lm_head.weight" ? "model.embed_tokens.weight" : name);

    public PeftFolder Set(string option, JsonNode? value)
    {
        Config[option] = value;
        return this;
    }

    public PeftFolder Rename(string name, string other)
    {
        Tensors.Remove(name, out var tensor);
        Tensors.Add(other, tensor!);
        return this;
    }

    public PeftFolder Add(string name, torch.Tensor tensor)
    {
        Tensors[name] = tensor;
        return this;
    }

    public PeftFolder Zero(string part)
    {
        foreach (var name in Tensors.Keys.Where(name => name.Contains(part, StringComparison.Ordinal))) Tensors[name].zero_();
        return this;
    }

    public PeftFolder Write()
    {
        File.WriteAllText(_folder.File(PeftConfig.FileName), Config.ToJsonString());
        SafetensorsWriter.Write(
            _folder.File(PeftAdapter.TensorFileName), Tensors.ToDictionary(pair => Prefix + pair.Key, pair => pair.Value), new Dictionary<string, string>());
        return this;
    }

    public PeftAdapter Open(bool allowNoEffect = false) => PeftAdapter.Open(Write().Path, Modules, MaxRank, allowNoEffect);

    public LoraAdapter Load(torch.ScalarType dtype = torch.ScalarType.Float32)
    {
        using var peft = Open(allowNoEffect: true);
        return peft.Load(dtype, torch.CPU, BaseTensor);
    }

    public void Dispose()
    {
        _base.Dispose();
        foreach (var tensor in Tensors.Values) tensor.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }
}
