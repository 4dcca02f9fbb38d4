using LoraServe.Engine.Training.Settings;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Planning;

/// <summary>Data and hyperparameters that are refused before a training starts, and the error messages.</summary>
public sealed class RefusedTrainingsTests(TrainedEngine trained) : IClassFixture<TrainedEngine>
{
    private const string Good = """{"prompt": "a", "completion": "b"}""";

    private static readonly Hyperparameters Usual = new();

    private static readonly Dictionary<string, (string Data, string Fault)> BadData = new()
    {
        ["empty file"] = ("", "train.jsonl: no examples: write one a line"),
        ["blank lines alone"] = ("\n  \n\r\n", "train.jsonl: no examples: write one a line"),
        ["one line broken"] = ($"{Good}\n{{\"prompt\": \"a\", \"comple\n{Good}", "train.jsonl, line 2: not JSON: "),
        ["no JSON at all"] = ("prompt,completion", "train.jsonl, line 1: not JSON: 'p' is an invalid start of a value. (byte 1)"),
        ["a JSON list"] = ($"[{Good}]", "train.jsonl, line 1: expected an object, found a list: write one example a line"),
        ["a text a line"] = ("\"a\"", "train.jsonl, line 1: expected an object, found a String"),
        ["two objects a line"] = ($"{Good}{Good}", "train.jsonl, line 1: not JSON: "),
        ["no fields"] = ("{}", "train.jsonl, line 1: expected either prompt and completion or messages, found nothing"),
        ["fields of another format"] = ("{\"instruction\": \"a\", \"output\": \"b\"}", "found instruction, output"),
        ["both formats"] = ("{\"prompt\": \"a\", \"completion\": \"b\", \"messages\": []}", "either prompt and completion or messages, found prompt, completion, messages"),
        ["unknown field"] = ("{\"prompt\": \"a\", \"completion\": \"b\", \"weight\": 1}", "line 1: weight: an unknown field; expected prompt, completion"),
        ["field twice"] = ("{\"prompt\": \"a\", \"prompt\": \"b\", \"completion\": \"c\"}", "train.jsonl, line 1: not JSON: "),
        ["no completion"] = ("{\"prompt\": \"a\"}", "line 1: completion: expected a text, found nothing"),
        ["empty completion"] = ("{\"prompt\": \"a\", \"completion\": \"\"}", "line 1: completion: empty, there is nothing to learn"),
        ["no prompt"] = ("{\"completion\": \"a\"}", "line 1: prompt: expected a text, found nothing"),
        ["completion is a number"] = ("{\"prompt\": \"a\", \"completion\": 5}", "line 1: completion: expected a text, found Number"),
        ["half of a surrogate pair"] = ("{\"prompt\": \"\\ud800\", \"completion\": \"b\"}", "line 1: a text is not valid Unicode: half of a surrogate pair"),
        ["too long"] = ($"{{\"prompt\": \"a\", \"completion\": \"{new string('b', 400)}\"}}", "at most 256 tokens are allowed (max_sequence_length)"),
        ["no messages"] = ("{\"messages\": []}", "line 1: messages: expected a list of at least one message, found []"),
        ["messages are a text"] = ("{\"messages\": \"hello\"}", "line 1: messages: expected a list of at least one message, found \"hello\""),
        ["wrong role"] = ("{\"messages\": [{\"role\": \"bot\", \"content\": \"a\"}]}", "messages[0].role: expected developer, system, user, assistant, tool, found \"bot\""),
        ["no role"] = ("{\"messages\": [{\"content\": \"a\"}]}", "messages[0].role: expected developer, system, user, assistant, tool, found nothing"),
        ["no content"] = ("{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content: expected a text, found nothing"),
        ["no assistant"] = ("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}", "messages: no assistant's turn of weight 1, there is nothing to learn"),
        ["all weights 0"] = ("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0}]}", "messages: no assistant's turn of weight 1"),
        ["half a weight"] = ("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0.5}]}", "messages[0].weight: expected 0 or 1, found 0.5"),
        ["weight of a user"] = ("{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"weight\": 1}]}", "messages[0].weight: only an assistant's turn has one"),
        ["unknown field of a message"] = ("{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"train\": true}]}", "messages[0]: the field train is unknown"),
        ["a picture"] = ("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {}}]}]}", "messages[0].content[0]: expected"),
        ["template that asks otherwise than it writes"] = ("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}", "messages[1]: the chat template writes this turn in another way"),
    };

    private static readonly Dictionary<string, (Hyperparameters Asked, string Fault)> BadHyperparameters = new()
    {
        ["r = 0"] = (Usual with { Rank = 0 }, "r: expected a whole number from 1 on, found 0"),
        ["r below 0"] = (Usual with { Rank = -8 }, "r: expected a whole number from 1 on, found -8"),
        ["r above min(in, out)"] = (Usual with { Rank = 40 }, "r: 40 is more than model.layers.0.self_attn.k_proj can have, which is 32: its weight is [32, 64]"),
        ["r above what is served"] = (Usual with { Rank = 49, TargetModules = ["o_proj"] }, "r: 49 is more than the 48 that are served (max-lora-rank)"),
        ["unknown target"] = (Usual with { TargetModules = ["q_proj", "c_attn"] }, "target_modules: c_attn is not a linear module of the layers; expected some of q_proj, k_proj"),
        ["the output head as a target"] = (Usual with { TargetModules = ["lm_head"] }, "target_modules: lm_head is not a linear module of the layers"),
        ["no target"] = (Usual with { TargetModules = [] }, "target_modules: none; expected some of q_proj"),
        ["preset and name"] = (Usual with { TargetModules = ["attention", "up_proj"] }, "target_modules: attention stands alone, found 2 names"),
        ["alpha 0"] = (Usual with { Alpha = 0 }, "alpha: expected a number above 0, at most 1000000, found 0"),
        ["alpha not finite"] = (Usual with { Alpha = double.PositiveInfinity }, "alpha: expected a number above 0"),
        ["dropout 1"] = (Usual with { Dropout = 1 }, "dropout: expected a number from 0 to below 1, found 1"),
        ["dropout below 0"] = (Usual with { Dropout = -0.1 }, "dropout: expected a number from 0 to below 1, found -0.1"),
        ["NaN learning rate"] = (Usual with { LearningRate = double.NaN }, "learning_rate: expected a number above 0, at most 1, found NaN"),
        ["learning rate 0"] = (Usual with { LearningRate = 0 }, "learning_rate: expected a number above 0, at most 1, found 0"),
        ["negative learning rate"] = (Usual with { LearningRate = -1e-4 }, "learning_rate: expected a number above 0, at most 1, found -0.0001"),
        ["infinite multiplier"] = (Usual with { LearningRateMultiplier = double.PositiveInfinity }, "learning_rate_multiplier: expected a number above 0"),
        ["multiplier makes it too high"] = (Usual with { LearningRate = 0.5, LearningRateMultiplier = 3 }, "learning_rate: 1.5 with its multiplier, at most 1 is possible"),
        ["epochs and steps"] = (Usual with { Epochs = 1, Steps = 1 }, "epochs, steps: only one of the two can be given"),
        ["no epochs"] = (Usual with { Epochs = 0 }, "epochs: expected a whole number from 1 to 10000, found 0"),
        ["no steps"] = (Usual with { Steps = 0 }, "steps: expected a whole number from 1 to 10000000, found 0"),
        ["batch size 0"] = (Usual with { BatchSize = 0 }, "batch_size: expected a whole number from 1 to 4096, found 0"),
        ["batch size far too large"] = (Usual with { BatchSize = int.MaxValue }, "batch_size: expected a whole number from 1 to 4096"),
        ["micro-batch of nothing"] = (Usual with { MicroBatchTokens = 0 }, "micro_batch_tokens: expected a whole number from 1"),
        ["warm-up below 0"] = (Usual with { WarmupSteps = -1 }, "warmup_steps: expected a whole number from 0"),
        ["warm-up above the steps"] = (Usual with { Steps = 5, WarmupSteps = 6 }, "warmup_steps: expected fewer than the 5 steps, found 6"),
        ["negative weight decay"] = (Usual with { WeightDecay = -1 }, "weight_decay: expected a number from 0 to 1, found -1"),
        ["NaN gradient norm"] = (Usual with { MaxGradientNorm = double.NaN }, "max_gradient_norm: expected a number from 0 on"),
        ["sequences above the context"] = (Usual with { MaxSequenceLength = 257 }, "max_sequence_length: expected a whole number from 2 to 256, found 257"),
        ["negative seed"] = (Usual with { Seed = -1 }, "seed: expected a whole number from 0 on, found -1"),
        ["unknown schedule"] = (Usual with { Schedule = (LearningRateSchedule)9 }, "schedule: expected cosine, linear, constant, found 9"),
        ["unknown method"] = (Usual with { Method = (TrainingMethod)9 }, "method: expected lora, full, found 9"),
        ["unknown dtype"] = (Usual with { OutputDtype = "int8" }, "output_dtype: expected float32 or bfloat16, found int8"),
        ["evaluation without data"] = (Usual with { EvaluateEvery = 5 }, "evaluate_every: needs validation data"),
        ["early stopping without data"] = (Usual with { EarlyStopping = 5 }, "early_stopping: needs validation data"),
        ["checkpoints never"] = (Usual with { CheckpointEvery = 0 }, "checkpoint_every: expected a whole number from 1"),
        ["pattern that matches nothing"] = (Usual with { RankPattern = new Dictionary<string, int> { ["c_fc"] = 4 } }, "rank_pattern c_fc: matches the end of no target's path"),
        ["pattern that is none"] = (Usual with { RankPattern = new Dictionary<string, int> { ["(q_proj"] = 4 } }, "rank_pattern (q_proj: "),
        ["pattern of rank 0"] = (Usual with { RankPattern = new Dictionary<string, int> { ["q_proj"] = 0 } }, "rank_pattern q_proj: expected a whole number from 1 on, found 0"),
        ["pattern above min(in, out)"] = (Usual with { RankPattern = new Dictionary<string, int> { ["v_proj"] = 33 } }, "rank_pattern v_proj: 33 is more than model.layers.0.self_attn.v_proj can have, which is 32"),
        ["pattern of a NaN alpha"] = (Usual with { AlphaPattern = new Dictionary<string, double> { ["v_proj"] = double.NaN } }, "alpha_pattern v_proj: expected a number above 0"),
        ["rank of a full training"] = (Usual with { Method = TrainingMethod.Full, Rank = 8 }, "r: has no meaning where every weight is trained (method full)"),
    };

    public static TheoryData<string> DataNames => [.. BadData.Keys];

    public static TheoryData<string> HyperparameterNames => [.. BadHyperparameters.Keys];

    [Theory]
    [MemberData(nameof(DataNames))]
    public void Prepare_BadData_SaysWhichLineAndWhy(string name)
    {
        var (data, fault) = BadData[name];

        Refusal(trained.Request(data)).ShouldHaveSingleItem().ShouldContain(fault);
    }

    [Theory]
    [MemberData(nameof(HyperparameterNames))]
    public void Prepare_BadHyperparameters_SaysWhichAndWhy(string name)
    {
        var (asked, fault) = BadHyperparameters[name];

        Refusal(trained.Request(TrainedEngine.Lines(20), asked)).ShouldHaveSingleItem().ShouldContain(fault);
    }

    [Fact]
    public void Prepare_ManyFaults_SaysAllAtOnce()
    {
        var asked = Usual with { Rank = 0, LearningRate = double.NaN, TargetModules = ["x"], BatchSize = 0 };

        var faults = Refusal(trained.Request($"{{\n{Good}\n[]", asked) with { ValidationSplit = 2 });

        faults.Count.ShouldBe(7);
    }

    [Fact]
    public void Prepare_PatternsMadeToBeSlow_EndsAtTheFirst()
    {
        var slow = Enumerable.Range(0, 5).ToDictionary(i => $"(?=m)(([a-z_.0-9]+)+)+!{i}", _ => 4);

        Refusal(trained.Request(TrainedEngine.Lines(3), Usual with { RankPattern = slow, AlphaPattern = new Dictionary<string, double> { ["c_fc"] = 1 } }))
            .ShouldHaveSingleItem().ShouldEndWith("!0: takes too long to match");
    }

    [Fact]
    public void Prepare_SplitThatLeavesNothing_IsRefused() =>
        Refusal(trained.Request(Good) with { ValidationSplit = 0.5 }).ShouldHaveSingleItem()
            .ShouldBe("validation_split: 0.5 of 1 examples leaves none to train on");

    [Fact]
    public void Prepare_SplitAndFile_IsRefused()
    {
        var request = trained.Request(Good);

        Refusal(request with { ValidationSplit = 0.5, ValidationFile = request.TrainingFile }).ShouldHaveSingleItem()
            .ShouldStartWith("validation_split: a validation file is given too");
    }

    [Fact]
    public void Prepare_BadValidationFile_NamesIt()
    {
        var request = trained.Request(Good);
        var file = Path.Combine(Path.GetDirectoryName(request.TrainingFile)!, "valid.jsonl");
        File.WriteAllText(file, "{}");

        Refusal(request with { ValidationFile = file }).ShouldHaveSingleItem().ShouldStartWith("valid.jsonl, line 1: expected either");
    }

    [Fact]
    public void Prepare_FolderIsAFile_IsRefused()
    {
        var request = trained.Request(Good);

        Refusal(request with { Folder = request.TrainingFile }).ShouldHaveSingleItem().ShouldEndWith("train.jsonl is a file");
    }

    [Fact]
    public void Table_Rows_AreAtLeastForty() => (BadData.Count + BadHyperparameters.Count).ShouldBeGreaterThanOrEqualTo(40);

    private IReadOnlyList<string> Refusal(TrainingRequest request) =>
        Should.Throw<InvalidTrainingException>(() => trained.Trainer.Prepare(request)).Faults;
}
