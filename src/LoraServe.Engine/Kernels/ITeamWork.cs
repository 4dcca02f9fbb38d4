namespace LoraServe.Engine.Kernels;

/// <summary>Work of a <see cref="WorkerTeam"/>.</summary>
internal interface ITeamWork
{
    /// <summary>The part of one member; every member meets the others at the same barriers.</summary>
    /// <param name="member">0 to the size of the team.</param>
    void Run(int member);
}
